/* files: from a path of ours to a path of the file system (Alias, DocumentRoot). */
#ifndef ROUTE_FILES_H
#define ROUTE_FILES_H

#include "config/model.h"

/* The first Alias that matches, else the document root; absolute, without "..", "." and empty segments (but
 * perhaps a slash at the end). False when the path cannot be that of a file. Memory from the arena. */
bool files_map(struct arena *arena, const struct server *server, struct str path, struct str *file_path);

/* True for an absolute path without empty, "." and ".." segments and without NUL; a slash at the end is fine.
 * What is not so must not be compared with <Directory> sections. */
bool files_is_normal(struct str file_path);

/* The directory that the configuration names and that holds the file: of the document root, the targets of
 * Alias and AliasMatch, and (when sections) those of <Directory> the longest; no slash at the end. Absent:
 * none. */
struct str files_base(const struct server *server, struct str file_path, bool sections);

/* The root and a path behind it, which begins with '/'. */
struct str files_below_root(struct arena *arena, struct str document_root, struct str path);

#endif
