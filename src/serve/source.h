/* source: configuration files from the file system (config/load.h). */
#ifndef SERVE_SOURCE_H
#define SERVE_SOURCE_H

#include "config/load.h"

extern const struct config_source file_source;

#endif
