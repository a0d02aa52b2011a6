/*
 * Shows that the CRC-32C agrees with the test vectors of RFC 3720, with and without the processor's
 * instruction.
 */
#include "lib/base/crc32c.h"

#include <string.h>

#include "lib/base/crc32c_private.h"
#include "t/unit/unit.h"

/* The vectors of RFC 3720, appendix B.4, and the usual check value of this CRC. */
static const struct {
	uint8_t first, step;
	uint32_t want;
} vectors[] = {
	{ 0x00, 0, 0x8a9136aa },
	{ 0xff, 0, 0x62a8ab43 },
	{ 0x00, 1, 0x46dd794e },
	{ 0x1f, 0xff, 0x113fdb5c },
};
START_TEST(gives_the_values_of_rfc_3720)
	{
		uint8_t bytes[32];

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(vectors[_i].first + vectors[_i].step * i);
		ck_assert_uint_eq(crc32c(bytes, sizeof(bytes)), vectors[_i].want);
		ck_assert_uint_eq(crc32c_portable(bytes, sizeof(bytes)), vectors[_i].want);
		ck_assert_uint_eq(crc32c("123456789", 9), 0xe3069283);
		ck_assert_uint_eq(crc32c_portable("123456789", 9), 0xe3069283);
		ck_assert_uint_eq(crc32c("", 0), 0);
	}
END_TEST

START_TEST(is_the_same_with_the_processors_instruction)
	{
		uint8_t bytes[64];

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(i * i + 7);
		for (size_t from = 0; from < 8; from++) {
			for (size_t len = 0; from + len <= sizeof(bytes); len++)
				ck_assert_uint_eq(crc32c(bytes + from, len),
					crc32c_portable(bytes + from, len));
		}
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("crc32c");
	TCase *tcase = tcase_create("crc32c");

	tcase_add_loop_test(tcase, gives_the_values_of_rfc_3720, 0, 4);
	tcase_add_test(tcase, is_the_same_with_the_processors_instruction);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
