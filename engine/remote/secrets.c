#include "remote/secrets.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool
arec_secrets_init (ArecSecrets *secrets, size_t size)
{
    const size_t page = (size_t)sysconf (_SC_PAGESIZE);
    void *memory;

    *secrets = (ArecSecrets){0};
    if (size > SIZE_MAX - page) {
        return false;
    }
    size = MAX ((size + page - 1) / page, 1) * page;
    memory = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    /* Where the limit is too low they may be swapped out, which is no reason to fail. */
    (void)!mlock (memory, size);
    madvise (memory, size, MADV_DONTDUMP);
    *secrets = (ArecSecrets){.memory = memory, .size = size};
    return true;
}

char *
arec_secrets_add (ArecSecrets *secrets, const char *text, size_t size)
{
    char *copy = secrets->memory + secrets->used;

    if (size >= secrets->size - secrets->used) {
        return NULL;
    }
    memcpy (copy, text, size);
    copy[size] = '\0';
    secrets->used += size + 1;
    return copy;
}

void
arec_secrets_clear (ArecSecrets *secrets)
{
    if (secrets->memory) {
        explicit_bzero (secrets->memory, secrets->size);
        munmap (secrets->memory, secrets->size);
    }
    *secrets = (ArecSecrets){0};
}
