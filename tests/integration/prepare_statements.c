/* Has PostgreSQL prepare every embedded statement, and says for each which parameters it has, by the
 * statement's comment and by PostgreSQL. test_statements.py judges.
 *
 *   prepare_statements URI      a line each: name, types by the comment, types by PostgreSQL or the error;
 * with tabs */
#include "sql/statement.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_type(PGconn *conn, Oid oid) {
    char number[16];
    snprintf(number, sizeof number, "%u", oid);
    const char *params[] = {number};
    PGresult *r = PQexecParams(conn, "SELECT format_type($1::oid, NULL)", 1, NULL, params, NULL, NULL, 0);
    fputs(PQresultStatus(r) == PGRES_TUPLES_OK ? PQgetvalue(r, 0, 0) : "?", stdout);
    PQclear(r);
}

static void put_statement(PGconn *conn, const struct statement_text *t) {
    PGresult *r = PQprepare(conn, t->name, t->text, 0, NULL);
    printf("%s\t%s\t", t->name, t->types);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) {
        printf("ERROR %.*s", (int)strcspn(PQresultErrorMessage(r), "\n"), PQresultErrorMessage(r));
    } else {
        PGresult *described = PQdescribePrepared(conn, t->name);
        for (int i = 0; i < PQnparams(described); i++) {
            fputs(i > 0 ? "," : "", stdout);
            put_type(conn, PQparamtype(described, i));
        }
        PQclear(described);
    }
    putchar('\n');
    PQclear(r);
}

int main(int argc, char **argv) {
    PGconn *conn = PQconnectdb(argc > 1 ? argv[1] : "");
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "prepare_statements: %s", PQerrorMessage(conn));
        return 1;
    }
    PQclear(PQexec(conn, "SET search_path = usher"));
    for (int s = 0; s < SQL_STATEMENTS; s++)
        put_statement(conn, &statement_texts[s]);
    PQfinish(conn);
    return 0;
}
