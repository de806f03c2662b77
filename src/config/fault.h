/* fault: adding faults to the list, up to a number that a reader can take in. */
#ifndef CONFIG_FAULT_H
#define CONFIG_FAULT_H

#include "base/diag.h"

enum { FAULTS_MAX = 50 }; /* of each level; further ones only count */

/* As diag_add(), never NULL: what is over FAULTS_MAX is returned but not shown. */
__attribute__((format(printf, 4, 5))) struct diag *
fault_add(struct diag_list *l, enum diag_level level, struct diag_place place, const char *format, ...);

/* Sets the hint and returns the fault. */
__attribute__((format(printf, 3, 4))) struct diag *fault_hint(struct diag_list *l, struct diag *d,
                                                              const char *format, ...);

/* Puts the faults into the order of their places: files as they came first, then lines; those of no line
 * last. */
void fault_sort(struct diag_list *l);

/* "site.conf:12", to speak of another place in a hint. */
struct str fault_where(struct arena *arena, struct diag_place place);

#endif
