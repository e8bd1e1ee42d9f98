/* replay.c - runs a fuzz target over files, without libFuzzer.
 *
 *   fuzz_<target> FOLDER...
 *
 * Every file of the folders is given whole, and every beginning of it up to
 * PREFIX bytes: a text that was cut off is the commonest bad one. */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { PREFIX = 400, FILE_MOST = 1 << 20 };

static void run(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    FUZZ_CHECK(copy != NULL);
    if (len > 0) {
        memcpy(copy, bytes, len);
    }
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static void run_file(const char *path)
{
    uint8_t *bytes = malloc(FILE_MOST);
    FILE *file = fopen(path, "rb");
    size_t len;

    (void)printf("%s\n", path);
    (void)fflush(stdout);
    FUZZ_CHECK(bytes != NULL && file != NULL);
    len = fread(bytes, 1, FILE_MOST, file);
    FUZZ_CHECK(len < FILE_MOST);
    (void)fclose(file);
    for (size_t prefix = 0; prefix < len && prefix < PREFIX; prefix++) {
        run(bytes, prefix);
    }
    run(bytes, len);
    free(bytes);
}

static size_t run_folder(const char *folder)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, alphasort);
    size_t files = 0;

    FUZZ_CHECK(count >= 0);
    for (int i = 0; i < count; i++) {
        char path[4096];
        struct stat status;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
        if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
            run_file(path);
            files++;
        }
        free(names[i]);
    }
    free(names);
    return files;
}

int main(int argc, char **argv)
{
    size_t files = 0;

    for (int i = 1; i < argc; i++) {
        files += run_folder(argv[i]);
    }
    (void)printf("%zu files\n", files);
    return files > 0 ? 0 : 1;
}
