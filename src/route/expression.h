/* expression: the values that the configuration's expressions ask for, of one request (<If>, SetEnvIfExpr).
 */
#ifndef ROUTE_EXPRESSION_H
#define ROUTE_EXPRESSION_H

#include "route/route.h"

/* What is judged. */
struct route_subject {
    const struct request *request;
    const struct endpoints *endpoints;
    const struct plan *plan;      /* server, host, port and scheme are known */
    struct str path;              /* REQUEST_URI: decoded, without the query */
    const struct field *response; /* the answer's fields, when there are some */
    size_t response_count;
};

/* Whether the expression holds. match, which may be NULL, becomes $0 to $9 of its last pattern. */
enum expr_result expression_test(struct arena *arena, const struct route_subject *subject,
                                 const struct expr *expr, const struct vars *vars, struct regex_match *match);
/* The same; one that runs into a limit does not. */
bool expression_holds(struct arena *arena, const struct route_subject *subject, const struct expr *expr,
                      const struct vars *vars, struct regex_match *match);

/* The value of an expression that is a text; absent when it runs into a limit. */
struct str expression_text(struct arena *arena, const struct route_subject *subject, const struct expr *expr,
                           const struct vars *vars);

/* The values of all fields of the name, joined as RFC 9110 section 5.3 has it. Absent without any. */
struct str request_field_value(struct arena *arena, const struct request *request, struct str name);

#endif
