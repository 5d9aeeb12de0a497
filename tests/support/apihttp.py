"""A client of /api/v1, every answer of which must be one that the OpenAPI document describes."""

import openapi
import scimhttp

JSON = "application/json"
MERGE = "application/merge-patch+json"


class ApiClient(scimhttp.Client):
    def __init__(self, url, token=None, prefix="/api/v1", headers=None, check=True, timeout=30):
        super().__init__(url, token, prefix, headers, False, timeout)
        self.judged = check

    def request(self, method, path, body=None, headers=None):
        kind = {"Accept": "*/*"} if body is None else {"Accept": "*/*", "Content-Type": JSON}
        answer = super().request(method, path, body, {**kind, **(headers or {})})
        if self.judged:
            wrong = openapi.check(method, self.prefix + path, answer)
            assert not wrong, "%s %s: %r: %s" % (method, path, answer, "; ".join(wrong))
        return answer

    def again(self):
        return ApiClient("http://%s:%d" % (self.host, self.port), self.token, self.prefix, self.extra, self.judged, self.timeout)


def problem(answer):
    """Its type, without what all begin with."""
    return answer.json["type"].removeprefix("urn:usher:problem:")
