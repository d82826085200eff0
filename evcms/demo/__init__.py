"""The demo's network: Marenhaven with its people, stations and ninety days of past. Only commands import it.

`seed.plant()` founds it through the services that people use, and loads the past in bulk: the rows are those that the
services would have written at the time (tests/demo holds it), so that bills, refunds and proofs work on them.
What a past does not have: the outbox (events, deliveries, webhooks: they are pruned), mails, and the message log.
"""
