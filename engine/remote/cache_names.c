#include "remote/cache_names.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/autofd.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "remote/cache_files.h"
#include "remote/small_file.h"

/*     magic 8 | size 8 | generation 8 | last modified 8 | n 8 | ETag, n bytes | hash 8
 *
 * Numbers are little-endian. n is 0 where there is no ETag. The hash is of all before, by a key
 * of the directory and the name. */
#define MAGIC "arecname"
#define FIXED_SIZE 40
#define HASH_SIZE 8
#define MAX_FILE (FIXED_SIZE + AREC_CACHE_NAME_MAX_ETAG + HASH_SIZE)

typedef struct {
    ArecHashKey key;
    char file[AREC_KEYED_NAME_SIZE];
} Place;

void
arec_cache_name_clear (ArecCacheName *name)
{
    g_free (g_steal_pointer (&name->etag));
}

/* A NUL, which neither can hold, separates the two. */
static Place
place_of (const ArecCacheDir *dir, const char *url, const char *endpoint)
{
    g_autofree char *text = g_strconcat (endpoint, "\n", url, NULL);
    const size_t size = strlen (text);
    const ArecHashKey *key = arec_cache_dir_key (dir);
    Place place;

    text[strlen (endpoint)] = '\0';
    arec_keyed_name (key, text, size, place.file);
    place.key = arec_hash_key_derive (key, place.file, sizeof place.file);
    explicit_bzero (text, size); /* a query may be a secret */
    return place;
}

static int
open_names (const ArecCacheDir *dir)
{
    return openat (arec_cache_dir_fd (dir), AREC_CACHE_NAMES,
                   O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What RFC 9110 allows in a field's value, without white space. */
static bool
is_etag (const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((uint8_t)text[i] <= ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    return size > 0 && size <= AREC_CACHE_NAME_MAX_ETAG;
}

static size_t
print (const ArecCacheName *name, const ArecHashKey *key, uint8_t out[MAX_FILE])
{
    const size_t n = name->etag ? strlen (name->etag) : 0;

    memcpy (out, MAGIC, 8);
    arec_put_le64 (out + 8, name->size);
    arec_put_le64 (out + 16, name->generation);
    arec_put_le64 (out + 24, (uint64_t)name->last_modified);
    arec_put_le64 (out + 32, n);
    memcpy (out + FIXED_SIZE, n > 0 ? name->etag : "", n);
    arec_put_le64 (out + FIXED_SIZE + n, arec_keyed_hash (key, out, FIXED_SIZE + n));
    return FIXED_SIZE + n + HASH_SIZE;
}

static bool
parse (const uint8_t *data, size_t size, const ArecHashKey *key, ArecCacheName *out)
{
    const char *etag = (const char *)data + FIXED_SIZE;
    size_t n;

    if (size < FIXED_SIZE + HASH_SIZE || memcmp (data, MAGIC, 8) != 0 ||
        arec_le64 (data + size - HASH_SIZE) != arec_keyed_hash (key, data, size - HASH_SIZE)) {
        return false;
    }
    n = size - FIXED_SIZE - HASH_SIZE;
    if (arec_le64 (data + 32) != n || (n > 0 && !is_etag (etag, n))) {
        return false;
    }
    out->size = arec_le64 (data + 8);
    out->generation = arec_le64 (data + 16);
    out->last_modified = (int64_t)arec_le64 (data + 24);
    out->etag = n > 0 ? g_strndup (etag, n) : NULL;
    return true;
}

/* Evicted last is what was used last. */
static void
touch (int names_fd, const char *file)
{
    const int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
    struct stat st;

    if (fstatat (names_fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_mtim.tv_sec + AREC_CACHE_TOUCH_INTERVAL / G_USEC_PER_SEC <= now) {
        utimensat (names_fd, file, times, AT_SYMLINK_NOFOLLOW);
    }
}

bool
arec_cache_names_get (ArecCacheDir *dir, const char *url, const char *endpoint,
                      ArecCacheName *out)
{
    const Place place = place_of (dir, url, endpoint);
    uint8_t data[MAX_FILE + 1];
    arec_autofd int fd = -1;
    int64_t size;

    if (arec_cache_dir_is_off (dir, AREC_CACHE_READING)) {
        return false;
    }
    fd = open_names (dir);
    size = fd < 0 ? -1 : arec_small_file_read (fd, place.file, data, sizeof data);
    if (size < 0) {
        if (errno == EIO) {
            arec_cache_dir_note_failure (dir, AREC_CACHE_READING, "reading a name", errno);
        }
        return false;
    }
    if (!parse (data, (size_t)size, &place.key, out)) {
        return false;
    }
    touch (fd, place.file);
    return true;
}

void
arec_cache_names_put (ArecCacheDir *dir, const char *url, const char *endpoint,
                      const ArecCacheName *name)
{
    const Place place = place_of (dir, url, endpoint);
    uint8_t data[MAX_FILE];
    arec_autofd int fd = -1;

    if (name->etag && !is_etag (name->etag, strlen (name->etag))) {
        arec_cache_names_drop (dir, url, endpoint);
        return;
    }
    if (arec_cache_dir_is_off (dir, AREC_CACHE_WRITING)) {
        return;
    }
    fd = open_names (dir);
    if (fd < 0 ||
        !arec_small_file_write (fd, place.file, data, print (name, &place.key, data), true)) {
        arec_cache_dir_note_failure (dir, AREC_CACHE_WRITING, "writing a name", errno);
    }
}

void
arec_cache_names_drop (ArecCacheDir *dir, const char *url, const char *endpoint)
{
    const Place place = place_of (dir, url, endpoint);
    arec_autofd int fd = open_names (dir);

    if (fd >= 0) {
        unlinkat (fd, place.file, 0);
    }
}
