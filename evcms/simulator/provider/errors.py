"""Refusals in the provider's own words: the `error` object of every answer that is not 2xx."""

from typing import Any

# A JSON object as the API sends it: free-form by nature, so its values stay Any.
JsonObject = dict[str, Any]


class ApiError(Exception):
    """One refused call. `keep` says that what was written before the refusal stays (a declined charge does)."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        keep: bool = False,
        **extra: Any,  # members that only some errors carry: decline_code, charge, payment_intent …
    ) -> None:
        super().__init__(message)
        self.status = status
        self.keep = keep
        self.error: JsonObject = {"message": message, "type": kind}
        if code:
            self.error |= {
                "code": code,
                "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
            }
        if param:
            self.error["param"] = param
        self.error |= extra


def missing(kind: str, identifier: str, param: str = "id") -> ApiError:
    """No such object: 404 when the path named it, 400 when a parameter did."""
    status = 404 if param in ("id", "intent", "session", "payment_method", "charge", "reader") else 400
    return ApiError(f"No such {kind}: '{identifier}'", status=status, code="resource_missing", param=param)


def required(param: str) -> ApiError:
    return ApiError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown(param: str) -> ApiError:
    return ApiError(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def exclusive(*params: str) -> ApiError:
    return ApiError(f"You may only specify one of these parameters: {', '.join(params)}.", param=params[-1])
