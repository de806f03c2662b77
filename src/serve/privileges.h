/* privileges: from the account that started the program to the one that serves. */
#ifndef SERVE_PRIVILEGES_H
#define SERVE_PRIVILEGES_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Names as in User and Group ("#1000" is a number; absent: stay). Does nothing unless started as root. False
 * with the reason in error (of size bytes). */
bool privileges_drop(struct str user, struct str group, char *error, size_t size);

#endif
