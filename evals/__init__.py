"""How good decisions are, measured on labelled cases that the deciding code knows nothing of."""
