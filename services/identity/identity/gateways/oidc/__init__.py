"""Outside OpenID providers: how an operator writes one down, how it is reached, and how its tokens are believed."""

from identity.gateways.oidc.configuration import ProviderSettings, read_providers
from identity.gateways.oidc.issuer import HttpIssuer, HttpIssuers

__all__ = ["HttpIssuer", "HttpIssuers", "ProviderSettings", "read_providers"]
