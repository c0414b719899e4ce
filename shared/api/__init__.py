"""`/api/v1`: one router a resource, each as thin as a trigger."""

from shared.api.app import create_api

__all__ = ["create_api"]
