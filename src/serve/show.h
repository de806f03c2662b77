/* show: what the program can tell about itself and a configuration: -v, -V, -L, -S. */
#ifndef SERVE_SHOW_H
#define SERVE_SHOW_H

#include "config/load.h"

void show_version(bool with_facts);
void show_directives(void);
void show_model(const struct model *model);

#endif
