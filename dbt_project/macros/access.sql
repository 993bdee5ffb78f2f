{#- Lets the API's role enter the schemas that this run has filled. What it sees there is decided by row-level security
    of the tables below, since every view runs with the rights of whoever asks. -#}
{% macro open_schemas_to_readers(schemas) %}
    {% for schema in schemas %}
        grant usage on schema {{ adapter.quote(schema) }} to nexus_api;
    {% endfor %}
{% endmacro %}
