/* setenvif: variables that are set by what a request looks like (SetEnvIf, SetEnvIfNoCase, BrowserMatch,
 * SetEnvIfExpr). */
#ifndef ROUTE_SETENVIF_H
#define ROUTE_SETENVIF_H

#include "route/expression.h"

/* Applies the rules in their order; later ones see what earlier ones have set. An attribute that the request
 * does not have is the variable of that name set so far, else the empty text. An expression that runs into a
 * limit does not hold. Values are slices of the request or come from the arena. */
void setenvif_run(struct arena *arena, const struct route_subject *subject, const struct setenvif *rules,
                  size_t count, struct vars *vars);

#endif
