/* encode: variables to the netstring that begins an SCGI request (netstring.h reads it). */
#ifndef SCGI_ENCODE_H
#define SCGI_ENCODE_H

#include "base/vars.h"

/* "LEN:" name NUL value NUL ... ","; from the arena, in one allocation. Names and values hold no NUL
 * (params.h). */
struct str scgi_encode(struct arena *arena, const struct vars *vars);

#endif
