-- What the Management API asks for: single commands and the recent ones, and repeated requests.

GRANT INSERT, UPDATE ON idempotency TO usher_gate;
