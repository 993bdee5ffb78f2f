{#- Every key of the model is one of the dimension's. A null key is another test's business. -#}
{% test key_is_in(model, key, dimension) %}
with held as (
    select * from {{ model }}
)

select distinct {% for column in key %}f.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
from held as f
where
    {% for column in key %}f.{{ column }} is not null and {% endfor %}
    not exists (
        select 1
        from {{ dimension }} as d
        where {% for column in key %}d.{{ column }} = f.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    )
{% endtest %}
