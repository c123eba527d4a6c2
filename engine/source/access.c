#include "source/access.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/bytes.h"

/* Most lists fit the first; none is longer than the second, which is the kernel's bound. */
enum { SHORT_LIST = 1024, LONGEST_LIST = 65536 };

/* Where nothing is known of the rights of anybody but the owner. */
static mode_t
owner_alone (mode_t mode)
{
    return mode & ~(mode_t)077;
}

/* ---- POSIX ---- */

enum {
    POSIX_VERSION = 2,
    POSIX_USER_OBJ = 0x01,
    POSIX_USER = 0x02,
    POSIX_GROUP_OBJ = 0x04,
    POSIX_GROUP = 0x08,
    POSIX_MASK = 0x10,
    POSIX_OTHER = 0x20,
};

/* What the entries of each kind have in common: rwx. */
typedef struct {
    mode_t user, group, other, mask, named_users, named_groups;
    bool names_somebody;
} PosixRights;

/* Takes one entry; false where there is none that can be understood. */
static bool
take_posix_entry (ArecBytes *bytes, PosixRights *rights)
{
    uint16_t tag, permissions;
    uint32_t id;

    if (!arec_bytes_take_le16 (bytes, &tag) || !arec_bytes_take_le16 (bytes, &permissions) ||
        !arec_bytes_take_le32 (bytes, &id)) {
        return false;
    }
    rights->names_somebody |= tag == POSIX_USER || tag == POSIX_GROUP;
    switch (tag) {
    case POSIX_USER_OBJ: rights->user &= permissions; return true;
    case POSIX_USER: rights->named_users &= permissions; return true;
    case POSIX_GROUP_OBJ: rights->group &= permissions; return true;
    case POSIX_GROUP: rights->named_groups &= permissions; return true;
    case POSIX_MASK: rights->mask &= permissions; return true;
    case POSIX_OTHER: rights->other &= permissions; return true;
    default: return false;
    }
}

mode_t
arec_access_by_posix_acl (mode_t mode, const uint8_t *acl, size_t size)
{
    PosixRights rights = {7, 7, 7, 7, 7, 7, false};
    ArecBytes bytes = arec_bytes (acl, size);
    mode_t group, other;
    uint32_t version;

    if (!arec_bytes_take_le32 (&bytes, &version) || version != POSIX_VERSION) {
        return owner_alone (mode);
    }
    while (arec_bytes_left (&bytes) > 0) {
        if (!take_posix_entry (&bytes, &rights)) {
            return owner_alone (mode);
        }
    }
    /* A member of the group may be a named user, and then has that entry alone. One of the
     * others may be named either way; only then does the mask bind him. */
    group = rights.group & rights.mask & rights.named_users;
    other = rights.other & rights.named_users & rights.named_groups;
    if (rights.names_somebody) {
        other &= rights.mask;
    }
    return mode & (07000 | rights.user << 6 | group << 3 | other);
}

/* ---- NFSv4 ---- */

enum {
    NFS4_ALLOW = 0,
    NFS4_DENY = 1,
    NFS4_INHERIT_ONLY = 0x08,
    NFS4_READ_DATA = 0x01,
    NFS4_EXECUTE = 0x20,
};

/* The first entry that speaks of a right decides: what is still undecided, and what is granted.
 */
typedef struct {
    mode_t open, granted;
} Nfs4Class;

typedef struct {
    Nfs4Class group, other;
    mode_t denied; /* to a user or group that is named */
} Nfs4Rights;

static void
decide (Nfs4Class *class, mode_t right, bool allows)
{
    class->granted |= allows ? class->open & right : 0;
    class->open &= ~right;
}

/* Takes one entry; false where there is none that can be understood. */
static bool
take_nfs4_entry (ArecBytes *bytes, Nfs4Rights *rights)
{
    uint32_t type, flags, mask, length;
    const uint8_t *who;
    mode_t right;

    if (!arec_bytes_take_be32 (bytes, &type) || !arec_bytes_take_be32 (bytes, &flags) ||
        !arec_bytes_take_be32 (bytes, &mask) || !arec_bytes_take_be32 (bytes, &length) ||
        !arec_bytes_take (bytes, ((uint64_t)length + 3) / 4 * 4, &who)) {
        return false;
    }
    if (type > NFS4_DENY || (flags & NFS4_INHERIT_ONLY)) {
        return true; /* audits, alarms, and what is for files to come */
    }
    right = (mask & NFS4_READ_DATA ? 4 : 0) | (mask & NFS4_EXECUTE ? 1 : 0);
    if (length == 9 && memcmp (who, "EVERYONE@", 9) == 0) {
        decide (&rights->group, right, type == NFS4_ALLOW);
        decide (&rights->other, right, type == NFS4_ALLOW);
    } else if (length == 6 && memcmp (who, "GROUP@", 6) == 0) {
        decide (&rights->group, right, type == NFS4_ALLOW);
    } else if (!(length == 6 && memcmp (who, "OWNER@", 6) == 0) && type == NFS4_DENY) {
        rights->denied |= right;
    }
    return true;
}

mode_t
arec_access_by_nfs4_acl (mode_t mode, const uint8_t *acl, size_t size)
{
    Nfs4Rights rights = {.group = {.open = 7}, .other = {.open = 7}};
    ArecBytes bytes = arec_bytes (acl, size);
    uint32_t n;

    if (!arec_bytes_take_be32 (&bytes, &n)) {
        return owner_alone (mode);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!take_nfs4_entry (&bytes, &rights)) {
            return owner_alone (mode);
        }
    }
    return mode & (07700 | (rights.group.granted & ~rights.denied) << 3 |
                   (rights.other.granted & ~rights.denied));
}

/* ---- of an open file ---- */

/* As fgetxattr (), also for descriptors of O_PATH. */
static ssize_t
get_attribute (int fd, const char *name, void *value, size_t size)
{
    ssize_t n = fgetxattr (fd, name, value, size);
    char path[sizeof "/proc/self/fd/" + 10];

    if (n >= 0 || errno != EBADF) {
        return n;
    }
    snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
    return getxattr (path, name, value, size);
}

typedef mode_t (*Narrow) (mode_t mode, const uint8_t *acl, size_t size);

/* false: the file has no such list, or its file system knows none, as errno tells. */
static bool
narrow_by (int fd, const char *name, Narrow narrow, mode_t *mode)
{
    uint8_t small[SHORT_LIST];
    g_autofree uint8_t *large = NULL;
    uint8_t *list = small;
    ssize_t n = get_attribute (fd, name, small, sizeof small);

    if (n < 0 && errno == ERANGE) {
        list = large = g_malloc (LONGEST_LIST);
        n = get_attribute (fd, name, large, LONGEST_LIST);
    }
    if (n < 0 && (errno == ENODATA || errno == EOPNOTSUPP)) {
        return false;
    }
    *mode = n < 0 ? owner_alone (*mode) : narrow (*mode, list, (size_t)n);
    return true;
}

mode_t
arec_access_of (int fd, const struct stat *st)
{
    mode_t mode = st->st_mode & 07777;

    /* Each list costs a system call at least, and a request where the file is on a server. */
    if ((mode & 055) == 0 ||
        narrow_by (fd, "system.posix_acl_access", arec_access_by_posix_acl, &mode)) {
        return mode;
    }
    if (errno == EOPNOTSUPP) {
        narrow_by (fd, "system.nfs4_acl", arec_access_by_nfs4_acl, &mode);
    }
    return mode;
}

/* ---- on the way ---- */

typedef struct {
    uid_t uid;
    gid_t gid;
    mode_t mode;
} Passed;

void
arec_way_clear (ArecWay *way)
{
    g_clear_pointer (&way->passed, g_array_unref);
}

void
arec_way_pass (ArecWay *way, int fd, const struct stat *st)
{
    Passed passed = {.uid = st->st_uid, .gid = st->st_gid, .mode = arec_access_of (fd, st)};

    if (!way->passed) {
        way->passed = g_array_new (FALSE, FALSE, sizeof (Passed));
    }
    g_array_append_val (way->passed, passed);
}

mode_t
arec_access_by_way (mode_t mode, const struct stat *st, const ArecWay *way)
{
    for (guint i = 0; way->passed && i < way->passed->len; i++) {
        const Passed *passed = &g_array_index (way->passed, Passed, i);
        bool user = passed->mode & 0100, group = passed->mode & 0010,
             other = passed->mode & 0001;

        /* The file's owner is the directory's, or in its group, or neither; and so on. */
        if (!(passed->uid == st->st_uid ? user : group && other)) {
            mode &= ~(mode_t)0700;
        }
        if (!(passed->gid == st->st_gid ? user && group : user && group && other)) {
            mode &= ~(mode_t)0070;
        }
        if (!(user && group && other)) {
            mode &= ~(mode_t)0007;
        }
    }
    return mode;
}
