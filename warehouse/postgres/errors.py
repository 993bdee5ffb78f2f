"""What can go wrong between us and PostgreSQL, by name. No message ever carries a password."""

from __future__ import annotations


class WarehouseError(RuntimeError):
    """Any failure of the warehouse that a caller may want to tell from a fault of the program."""


class WarehouseUnreachableError(WarehouseError):
    """No server answers at the configured place, or it refuses the login."""


class SchemaTooNewError(WarehouseError):
    """The database was migrated by a newer release than this one, which must therefore not touch it."""


class IncompleteLoadError(WarehouseError, ValueError):
    """The frames given to a load do not make up whole days: a table is missing, foreign or of another tenant."""


class UnrepresentableValueError(WarehouseError, ValueError):
    """A value has no form in the warehouse, such as a ratio that is not a number."""
