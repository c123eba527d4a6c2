/* Which stored names are used: compared with a slow judge that looks at all pairs. */
#include "pack/unpack_plan.h"

#include <string.h>

#include "pack/safe_name.h"

enum { MAX_PART = 3, ROUNDS = 3000, MAX_RECORDS = 12 };

static const char *
name_of (void *data, uint64_t record)
{
    return ((char **)data)[record];
}

static bool
is_below (const char *path, const char *folder)
{
    return g_str_has_prefix (path, folder) && path[strlen (folder)] == '/';
}

static bool
is_good (const char *name)
{
    return *name && !tool_safe_name_fault (name, MAX_PART);
}

/* The use of name @i of @n, none of which has a part `.`. */
static ToolNameUse
judge (char **names, unsigned n, unsigned i)
{
    bool is_again = false;

    if (!is_good (names[i])) {
        return *names[i] ? TOOL_NAME_UNSAFE : TOOL_NAME_NONE;
    }
    for (unsigned k = 0; k < n; k++) {
        if (is_good (names[k]) && is_below (names[k], names[i])) {
            return TOOL_NAME_DIRECTORY;
        }
        is_again = is_again || (k < i && strcmp (names[k], names[i]) == 0);
    }
    return is_again ? TOOL_NAME_AGAIN : TOOL_NAME_USED;
}

static bool
judge_taken (char **names, unsigned n, const char *path)
{
    for (unsigned k = 0; k < n; k++) {
        if (is_good (names[k]) && (strcmp (names[k], path) == 0 || is_below (names[k], path))) {
            return true;
        }
    }
    return false;
}

/* Few letters, around the slash in the order of bytes, so that names meet. */
static char *
random_name (GRand *rand)
{
    static const char letters[] = "//a\x01-\xff";
    unsigned n = (unsigned)g_rand_int_range (rand, 0, 6);
    char name[8] = "";

    for (unsigned i = 0; i < n; i++) {
        name[i] = letters[g_rand_int_range (rand, 0, (int)sizeof letters - 1)];
    }
    return g_strdup (name);
}

static void
test_random (void)
{
    g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32)g_test_rand_int());

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned n = (unsigned)g_rand_int_range (rand, 0, MAX_RECORDS + 1);
        char *names[MAX_RECORDS];
        g_autoptr (ToolUnpackPlan) plan = NULL;

        for (unsigned i = 0; i < n; i++) {
            names[i] = random_name (rand);
        }
        plan = tool_unpack_plan_new (n, name_of, names, MAX_PART, NULL);
        for (unsigned i = 0; i < n; i++) {
            g_autofree char *other = random_name (rand);
            const char *name;
            ToolNameUse use = tool_unpack_plan_get (plan, i, &name);

            g_assert_cmpint (use, ==, judge (names, n, i));
            if (use == TOOL_NAME_USED || use == TOOL_NAME_AGAIN) {
                g_assert_cmpstr (name, ==, names[i]);
            }
            g_assert_true (tool_unpack_plan_is_taken (plan, other) ==
                           judge_taken (names, n, other));
        }
        for (unsigned i = 0; i < n; i++) {
            g_free (names[i]);
        }
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/unpack_plan/random", test_random);
    return g_test_run();
}
