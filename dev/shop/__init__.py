"""The demo shop: six instrumented services that call each other over HTTP, with faults to inject."""
