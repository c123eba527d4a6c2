#include <arec/profiles.h>

#include <string.h>

#define MIB (UINT64_C (1) << 20)

#define READER(ahead, parallelism)                                                             \
    "readahead_buffer_size:" ahead ",max_parallelism:" parallelism
#define IN_MEMORY ",index_storage_option:in_memory"
#define OFFLOADED ",index_storage_option:offloaded"

/* The guide gives `random` no threads. Readers of a mount need one that loads, and nothing is
 * decoded ahead by it. */
static const ArecProfile profiles[] = {
    {.name = "sequential", .reader = READER ("16M", "auto")},
    {.name = "random", .reader = READER ("0", "1") IN_MEMORY, .writer = "group_size:1"},
    {.name = "batch", .reader = READER ("4M", "2")},
    {.name = "mixed", .reader = READER ("4M", "4")},
    {.name = "low-memory",
     .reader = READER ("1M", "1") OFFLOADED,
     .writer = "group_size:500,max_parallelism:1",
     .cache_size = 32 * MIB},
    {.name = "constrained",
     .reader = READER ("512K", "1") OFFLOADED,
     .writer = "group_size:200,snappy,max_parallelism:1"},
    {.name = "high-memory",
     .reader = READER ("128M", "8") IN_MEMORY,
     .writer = "group_size:5000,max_parallelism:8"},
    {.name = "cloud",
     .reader = READER ("32M", "4"),
     .writer = "group_size:5000,brotli:6,max_parallelism:4"},
    {.name = "linux", .reader = READER ("64M", "8")},
    {.name = "balanced", .writer = "group_size:100,brotli:6"},
    {.name = "archive", .writer = "group_size:1000,brotli:9"},
    {.name = "throughput", .writer = "group_size:10000,snappy,max_parallelism:8"},
    {.name = "low-latency", .writer = "group_size:100,snappy,max_parallelism:1"},
};

static const char *
text_of (const ArecProfile *profile, ArecProfileSide side)
{
    return side == AREC_PROFILE_READER ? profile->reader : profile->writer;
}

const ArecProfile *
arec_profile_at (size_t i)
{
    return i < G_N_ELEMENTS (profiles) ? &profiles[i] : NULL;
}

const ArecProfile *
arec_profile_find (const char *name, ArecProfileSide side)
{
    for (size_t i = 0; i < G_N_ELEMENTS (profiles); i++) {
        if (strcmp (profiles[i].name, name) == 0 && text_of (&profiles[i], side)) {
            return &profiles[i];
        }
    }
    return NULL;
}

char *
arec_profile_names (ArecProfileSide side)
{
    GString *names = g_string_new (NULL);

    for (size_t i = 0; i < G_N_ELEMENTS (profiles); i++) {
        if (text_of (&profiles[i], side)) {
            g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "",
                                    profiles[i].name);
        }
    }
    return g_string_free (names, FALSE);
}
