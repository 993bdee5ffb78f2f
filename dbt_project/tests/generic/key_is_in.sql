{#- Every key of the model is one of the dimension's. A null key is another test's business. Few keys stand behind many
    rows, so they are made distinct first. -#}
{% test key_is_in(model, key, dimension) %}
with held as (
    select * from {{ model }}
),

keys as materialized (
    select distinct {{ key | join(', ') }}
    from held
    where {% for column in key %}{{ column }} is not null{{ ' and ' if not loop.last }}{% endfor %}
)

select k.*
from keys as k
where
    not exists (
        select 1
        from {{ dimension }} as d
        where {% for column in key %}d.{{ column }} = k.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    )
{% endtest %}
