/* replay: runs every file of the folders named on the command line through a fuzz target, without libFuzzer.
 *
 * Each input is copied to memory of exactly its size, so that a sanitizer sees a read behind its end. The
 * name of the input is written before it runs: after a crash it is the last line.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const char *path)
{
    fprintf(stderr, "replay: %s \"%s\"\n", what, path);
    exit(1);
}

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat facts;
    size_t size;
    uint8_t *data;

    if (!file || fstat(fileno(file), &facts))
        fail("cannot open", path);
    size = (size_t)facts.st_size;
    data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, file) != size)
        fail("cannot read", path);
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static unsigned replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    unsigned count = 0;

    if (!dir)
        fail("cannot open", folder);
    while ((entry = readdir(dir))) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        replay_file(path);
        count++;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!replay_folder(argv[i]))
            fail("no input in", argv[i]);
    }
    return argc > 1 ? 0 : 2;
}
