{#-
    Views that are replaced where they stand.

    dbt's own view is built beside the old one, renamed, and the old one dropped with all that depends on it: while the
    models are rebuilt, readers would find their marts gone. `create or replace` keeps the view and its dependents. It
    cannot drop, rename or retype a column; only then is the view dropped first, in one transaction, and what depends
    on it is rebuilt later in the same run.
-#}
{% materialization view, adapter='postgres' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% if existing is not none and (not existing.is_view or not columns_extend(existing, sql)) %}
        {% do adapter.drop_relation(existing) %}
    {% endif %}
    {% call statement('main') -%}
        {{ get_create_view_as_sql(target_relation, sql) }}
    {%- endcall %}

    {% do apply_grants(target_relation, config.get('grants'), should_revoke=should_revoke(existing, full_refresh_mode=True)) %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Whether the query's columns begin with those of the view, by name and type: what `create or replace` can do. -#}
{% macro columns_extend(existing, sql) %}
    {%- set query -%}
        select a.attname, a.atttypid::regtype::text as column_type
        from pg_catalog.pg_attribute as a
        where a.attrelid = '{{ existing.include(database=False) }}'::regclass and a.attnum > 0
        order by a.attnum
    {%- endset -%}
    {%- set old = run_query(query).rows -%}
    {%- set new = get_column_schema_from_query(sql) -%}
    {%- if old | length > new | length -%}{{ return(false) }}{%- endif -%}
    {%- for row in old -%}
        {%- if row[0] != new[loop.index0].name -%}{{ return(false) }}{%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{% endmacro %}

{#- Every view reads with the rights of whoever asks, so that the policies of the tables hold through it. -#}
{% macro postgres__create_view_as(relation, sql) %}
    create or replace view {{ relation }}
    with (security_invoker = true)
    {% if config.get('contract').enforced %}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif %}
    as (
        {{ sql }}
    );
{% endmacro %}
