/* access: whether a request may have what it asks for (Require, Order, Allow and Deny). */
#ifndef ROUTE_ACCESS_H
#define ROUTE_ACCESS_H

#include "route/expression.h"

/* By the rules of mod_authz_core and mod_access_compat, which must both agree; where nothing is said, all is
 * granted. When it is denied, *reason is the text for the log, NUL-terminated, from the arena: which line
 * denied it. An expression that runs into a limit denies, whatever stands around it. */
bool access_granted(struct arena *arena, const struct dir_config *config, const struct route_subject *subject,
                    const struct vars *vars, const char **reason);

#endif
