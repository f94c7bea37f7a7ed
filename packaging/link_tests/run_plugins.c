/* Loads the plugins that the arguments name, makes their symbols global, and then runs each. */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PLUGINS = 4 };

int main(int argc, char **argv)
{
    int (*plugins[MAX_PLUGINS])(void);
    int i;
    if (argc > MAX_PLUGINS + 1)
        return 2;
    for (i = 1; i < argc; i++) {
        void *library = dlopen(argv[i], RTLD_NOW | RTLD_GLOBAL);
        void *symbol = library != NULL ? dlsym(library, "run_plugin") : NULL;
        if (symbol == NULL) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        /* C does not convert a pointer to an object to one to a function. */
        memcpy(&plugins[i - 1], &symbol, sizeof symbol);
    }
    for (i = 1; i < argc; i++)
        if (plugins[i - 1]() != 0)
            return 1;
    return 0;
}
