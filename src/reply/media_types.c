#include "reply/media_types.h"

/* Behind the last dot of the base name; a dot in front makes a hidden file, not an extension. Empty when
 * there is none. */
static struct str extension_of(struct str path)
{
    struct str name = str_skip(path, (size_t)(str_find_last(path, '/') + 1));
    ptrdiff_t dot;

    while (name.n && name.p[0] == '.')
        name = str_skip(name, 1);
    dot = str_find_last(name, '.');
    return dot < 0 ? STR("") : str_skip(name, (size_t)dot + 1);
}

/* Order of the model's table: bytes, b in lower case already. */
static int compare_nocase(struct str a, struct str b)
{
    for (size_t i = 0; i < a.n && i < b.n; i++) {
        int difference = (unsigned char)ascii_lower(a.p[i]) - (unsigned char)b.p[i];

        if (difference)
            return difference;
    }
    return (a.n > b.n) - (a.n < b.n);
}

struct str media_type_of(const struct model *model, const struct dir_config *config, struct str path)
{
    struct str extension = extension_of(path);
    size_t low = 0, high = model->types.count;

    if (extension.n == 0)
        return STR_NONE;
    for (size_t i = config->types.count; i > 0; i--)
        if (str_eq_nocase(config->types.items[i - 1].extension, extension))
            return config->types.items[i - 1].type;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int difference = compare_nocase(extension, model->types.items[middle].extension);

        if (difference == 0)
            return model->types.items[middle].type;
        if (difference < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return STR_NONE;
}
