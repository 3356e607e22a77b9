/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory moves to huge pages, or stays, with what is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_eal.h>
#include <rte_malloc.h>

#include "dataplane/pages.h"

#define OCTETS ((size_t)6 << 20)

static void
contents_stay(void **state)
{
	uint32_t *before = rte_malloc(NULL, OCTETS, 64);

	(void)state;
	assert_non_null(before);
	for (size_t i = 0; i < OCTETS / sizeof(*before); i++)
		before[i] = (uint32_t)i * 2654435761u;
	bool replaced = pages_replace_eal();
	for (size_t i = 0; i < OCTETS / sizeof(*before); i++)
		assert_int_equal(before[i], (uint32_t)i * 2654435761u);
	uint8_t *after = rte_zmalloc(NULL, 4 * OCTETS, 64);
	assert_non_null(after);
	for (size_t i = 0; i < 4 * OCTETS; i += 4096)
		assert_int_equal(after[i], 0);
	memset(after, 1, 4 * OCTETS);
	if (replaced)
		assert_true(pages_huge_kb() > 0);
	rte_free(after);
	rte_free(before);
}

/* A file's memory, as the shared segment: where the kernel has no huge page, it stays as it is. */
static void
asked_for(void **state)
{
	int fd = memfd_create("pages", MFD_CLOEXEC);
	void *place = pages_place(OCTETS);

	(void)state;
	assert_true(fd >= 0 && ftruncate(fd, OCTETS) == 0);
	uint8_t *p = mmap(place, OCTETS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_ptr_equal(p, place);
	p[1] = 7;
	p[OCTETS - 1] = 9;
	pages_ask(p, OCTETS);
	pages_ask(p + 1, 100); /* less than a page */
	assert_int_equal(p[0], 0);
	assert_int_equal(p[1], 7);
	assert_int_equal(p[OCTETS - 1], 9);
	munmap(p, OCTETS);
	close(fd);
}

int
main(void)
{
	const char *eal[] = {"test", "--no-huge", "-m", "64", "--no-pci", "--no-telemetry",
		"--no-shconf", "--log-level", "error", NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents_stay),
		cmocka_unit_test(asked_for),
	};

	if (rte_eal_init((int)(sizeof(eal) / sizeof(*eal)) - 1, (char **)(uintptr_t)eal) < 0)
		return 1;
	rmdir(rte_eal_get_runtime_dir()); /* empty, and stays so */
	return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
