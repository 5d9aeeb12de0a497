"""A session of PostgreSQL whose program stands still in the middle of a transaction: its statements were run and hold
their locks, and the message that ends the transaction does not come. psycopg2 has no pipelines, so this is libpq."""

import ctypes

from waiting import wait_until

OK = 0      # CONNECTION_OK
TUPLES = 2  # PGRES_TUPLES_OK

_pq = ctypes.CDLL("libpq.so.5")
for _name in ("PQconnectdbParams", "PQgetResult"):
    getattr(_pq, _name).restype = ctypes.c_void_p
_pq.PQerrorMessage.restype = ctypes.c_char_p


class Frozen:
    """uri: of the role; app: the name that the session shows; statements: what it runs, one after the other. take=False:
    it does not take their rows either."""

    def __init__(self, uri, app, statements, take=True):
        words = {"dbname": uri, "application_name": app, "options": "-c search_path=usher"}
        keys = (ctypes.c_char_p * 4)(*[k.encode() for k in words], None)
        values = (ctypes.c_char_p * 4)(*[v.encode() for v in words.values()], None)
        self.conn = ctypes.c_void_p(_pq.PQconnectdbParams(keys, values, 1))
        assert _pq.PQstatus(self.conn) == OK, _pq.PQerrorMessage(self.conn)
        assert _pq.PQenterPipelineMode(self.conn)
        for text in statements:
            assert _pq.PQsendQueryParams(self.conn, text.encode(), 0, None, None, None, None, 0)
        assert _pq.PQsendFlushRequest(self.conn) and _pq.PQflush(self.conn) == 0
        for text in statements if take else ():  # all of them have run
            assert self._result() == TUPLES, (text, _pq.PQerrorMessage(self.conn))
            assert self._result() is None

    def _result(self):
        wait_until(lambda: _pq.PQconsumeInput(self.conn) == 0 or not _pq.PQisBusy(self.conn), "a result")
        result = ctypes.c_void_p(_pq.PQgetResult(self.conn))
        status = _pq.PQresultStatus(result) if result else None
        _pq.PQclear(result)
        return status

    def ended(self):
        """Has PostgreSQL closed the session?"""
        return _pq.PQconsumeInput(self.conn) == 0

    def close(self):
        _pq.PQfinish(self.conn)
