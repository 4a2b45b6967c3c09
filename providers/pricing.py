"""The dated price table: an estimate for every request before it is sent.

The table ships in `resources/prices.json`; a file of the same form in the user's data folder wins, model by model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Any

from providers.errors import PricesInvalid


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """The prices of a model in USD, by the unit that it is sold in; a unit that it is not sold in is empty.

    Attributes:
        as_of: The day on which the prices were read from the provider's pages.
        picture: Per picture, by its size ("1K").
        second: Per second of video, by its size ("720p").
        hour: Per hour of sound.
        tokens: Per million tokens, by kind ("input", "output_picture", "output_text").
        surcharges: Factors on top, by name ("keyterms").
    """

    as_of: date
    picture: Mapping[str, Decimal]
    second: Mapping[str, Decimal]
    hour: Decimal | None
    tokens: Mapping[str, Decimal]
    surcharges: Mapping[str, Decimal]

    def picture_usd(self, size: str) -> Decimal:
        """Return the price of a picture; of a size that is not in the table, the dearest one's."""
        return _dearest(self.picture, size)

    def second_usd(self, size: str) -> Decimal:
        """Return the price of a second of video; of a size that is not in the table, the dearest one's."""
        return _dearest(self.second, size)


class PriceTable:
    """The prices of all models."""

    def __init__(self, models: Mapping[str, ModelPrices]) -> None:
        self._models = dict(models)

    def of(self, model: str, *, like: str) -> ModelPrices:
        """Return the prices of `model`; a model that is not in the table costs what its provider's default `like` does.

        Raises:
            PricesInvalid: neither is in the table.
        """
        prices = self._models.get(model) or self._models.get(like)
        if prices is None:
            raise PricesInvalid(f"the price table has neither {model!r} nor {like!r}; add one of them to prices.json")
        return prices

    def models(self) -> Mapping[str, ModelPrices]:
        """Return the whole table."""
        return dict(self._models)


def load_prices(user_file: Path | None = None) -> PriceTable:
    """Return the shipped table, with the models of `user_file` (where it exists) in place of the shipped ones.

    Raises:
        PricesInvalid: the user's file cannot be read; nothing is estimated from half a table.
    """
    models = parse_prices(files("resources").joinpath("prices.json").read_text(encoding="utf-8"), "prices.json")
    if user_file is not None and user_file.exists():
        try:
            text = user_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PricesInvalid(f"{user_file} cannot be read: {error}") from error
        models |= parse_prices(text, str(user_file))
    return PriceTable(models)


def parse_prices(text: str, origin: str) -> dict[str, ModelPrices]:
    """Return the prices in a table's JSON text; `origin` names it in errors.

    Raises:
        PricesInvalid: not JSON, a missing date, a price that is no number or negative.
    """
    try:
        table = json.loads(text, parse_float=Decimal, parse_int=Decimal)
        as_of = date.fromisoformat(table["as_of"])
        if table.get("currency", "USD") != "USD":
            raise PricesInvalid(f"{origin}: prices are in USD, not {table['currency']!r}")
        return {name: _model(entry, as_of) for name, entry in table["models"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation) as error:
        raise PricesInvalid(f"{origin} is not a price table: {type(error).__name__}: {error}") from error


def _dearest(prices: Mapping[str, Decimal], size: str) -> Decimal:
    if not prices:
        raise PricesInvalid(f"the price table has no price for size {size!r}; add it to prices.json")
    return prices[size] if size in prices else max(prices.values())


def _model(entry: Mapping[str, Any], as_of: date) -> ModelPrices:
    return ModelPrices(
        as_of=date.fromisoformat(entry["as_of"]) if "as_of" in entry else as_of,
        picture=_amounts(entry.get("picture", {})),
        second=_amounts(entry.get("second", {})),
        hour=_amount(entry["hour"]) if "hour" in entry else None,
        tokens=_amounts(entry.get("tokens", {})),
        surcharges=_amounts(entry.get("surcharges", {})),
    )


def _amounts(entries: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: _amount(value) for name, value in entries.items()}


def _amount(value: str | Decimal) -> Decimal:
    amount = Decimal(value)
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{value} is no price")
    return amount
