/* redirect: answers that send the client elsewhere (Redirect, RedirectMatch). */
#ifndef ROUTE_REDIRECT_H
#define ROUTE_REDIRECT_H

#include "route/route.h"

/* The first of the entries that matches plan->path decides: the plan becomes PLAN_REDIRECT, or PLAN_STATUS
 * for one that is no redirect. False when none does.
 *
 * What follows the path of an entry is appended to its target, encoded, and so are the groups that stand in a
 * target; a local target is made absolute by the plan's scheme, host and port; the request's query goes along
 * where the target has none. */
bool redirect_find(struct arena *arena, const struct redirect *entries, size_t count,
                   const struct request *request, struct plan *plan);

#endif
