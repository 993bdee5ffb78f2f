select
    day::date as calendar_date,
    extract(year from day)::integer as calendar_year,
    extract(quarter from day)::integer as calendar_quarter,
    extract(month from day)::integer as calendar_month,
    extract(isodow from day)::integer as iso_weekday,
    extract(isodow from day) < 6 as is_weekday,
    (date_trunc('month', day) + interval '1 month - 1 day')::date = day::date as is_month_end
from generate_series(timestamp '1990-01-01', timestamp '2049-12-31', interval '1 day') as day
