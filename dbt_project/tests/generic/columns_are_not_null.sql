{#- One scan for all columns that the contract says are never null. -#}
{% test columns_are_not_null(model, columns) %}
select
    {{ columns | join(', ') }}
from {{ model }}
where {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
