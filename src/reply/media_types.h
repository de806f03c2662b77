/* media_types: file names to media types (TypesConfig, AddType). */
#ifndef REPLY_MEDIA_TYPES_H
#define REPLY_MEDIA_TYPES_H

#include "config/model.h"

/* By the last extension of the path's base name, compared without case; AddType of the context first, then
 * the model's table. Absent when unknown. */
struct str media_type_of(const struct model *model, const struct dir_config *config, struct str path);

#endif
