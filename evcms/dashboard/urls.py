"""Paths of this door."""

from django.urls import URLPattern, URLResolver, path

from evcms.dashboard.views import organization

urlpatterns: list[URLPattern | URLResolver] = [
    path("organization/switch/", organization.switch, name="switch-organization"),
    path("settings/", organization.settings, name="settings"),
    path("settings/organization/", organization.organization, name="organization"),
    path("settings/members/", organization.members, name="members"),
    path("settings/members/<int:pk>/", organization.member, name="member"),
    path("settings/api-tokens/", organization.api_tokens, name="api-tokens"),
    path("settings/api-tokens/<int:pk>/revoke/", organization.api_token_revoke, name="api-token-revoke"),
    path("settings/audit/", organization.audit_log, name="audit"),
    path("settings/profile/", organization.profile, name="profile"),
]
