"""Tells the OpenAPI description about our bearer tokens."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "evcms.api.authentication.TokenAuthentication"
    name = "API token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token of Settings → API tokens: `evc_…`"}
