"""What each group of operations is about, for the documentation."""

from collections.abc import Mapping

TAGS: Mapping[str, str] = {
    "me": "Who the caller is.",
    "incidents": "Incidents, the evidence for them, what was concluded, and what people correct.",
    "quality": "How far the confidence of hypotheses can be believed.",
    "receipts": "What became of a delivery that a webhook accepted.",
    "dead letters": "What failed for good, and what is to be done about it.",
    "audit": "Who did what, sealed so that what is changed later shows.",
    "sign-in": "Sessions of the web app.",
    "integrations": "Systems that send to us or that we ask, and their secrets.",
    "metrics": "The tenant's Prometheus, and the key metrics of a service.",
    "dashboards": "Links into the tenant's Grafana.",
    "users": "People, and what is left of the role that Entra ID gives them.",
    "tenant": "The tenant's settings and plan.",
    "topology": "Who calls whom, as measured and as declared.",
    "objectives": "Which share of a service's requests must succeed.",
    "policies": "Maintenance windows.",
    "runbooks": "What to do when, in Markdown.",
    "service names": "What services are called in their metrics.",
    "changes": "Deploys and other changes.",
}
