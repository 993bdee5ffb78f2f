{#- One row per finding: rows in which a column is null that must not be, and keys that occur more than once. One test
    a relation and one scan for all nulls, since the overhead of a test outweighs its query. -#}
{% test grain_holds(model, key, not_null) %}
with held as (
    select * from {{ model }}
),

repeated as (
    select {{ key | join(', ') }}
    from held
    group by {{ key | join(', ') }}
    having count(*) > 1
)

select 'a column that is never null is null' as finding, count(*) as row_count
from held
where {% for column in not_null %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
having count(*) > 0
union all
select 'the key occurs more than once' as finding, count(*) as row_count
from repeated
having count(*) > 0
{% endtest %}
