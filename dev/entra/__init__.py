"""A stand-in for Entra ID: OpenID discovery, keys, sign-in and v2.0 tokens, over TLS, on loopback.

Authlib does the OAuth and OpenID protocol; what is here is Entra's addresses, its claims and the keeping of keys.
There are no passwords: whoever asks is signed in as whom they name. It must never be reachable from elsewhere.
"""
