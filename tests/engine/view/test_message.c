/* Which records may be messages. What a message is, tests test_canonical_message.c. */
#include <arec/message.h>

#include <glib.h>

static void
test_messages (void)
{
    g_assert_true (arec_message_is_canonical (NULL, 0));
    /* A varint field, a string field, a group. */
    g_assert_true (arec_message_is_canonical ("\x08\x01", 2));
    g_assert_true (arec_message_is_canonical ("\x12\x02hi\x08\x7f", 6));
    g_assert_true (arec_message_is_canonical ("\x1b\x08\x01\x1c", 4));
}

static void
test_others (void)
{
    g_assert_false (arec_message_is_canonical ("Test record 1: xxx", 18));
    g_assert_false (arec_message_is_canonical ("\x08\x81\x00", 3)); /* not the shortest form */
    g_assert_false (arec_message_is_canonical ("\x12\x05hi", 4));   /* cut off */
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/message/messages", test_messages);
    g_test_add_func ("/message/others", test_others);
    return g_test_run();
}
