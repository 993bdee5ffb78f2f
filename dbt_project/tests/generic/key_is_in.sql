{#- Every key of the model is one of the dimension's. A null key is another test's business. -#}
{% test key_is_in(model, columns, dimension) %}
select distinct
    {% for column in columns %}f.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
from {{ model }} as f
where
    {% for column in columns %}f.{{ column }} is not null and {% endfor %}
    not exists (
        select 1 from {{ dimension }} as d
        where {% for column in columns %}d.{{ column }} = f.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
    )
{% endtest %}
