#define _GNU_SOURCE
#include "idle_memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

static int release(struct dl_phdr_info *object, size_t size, void *unused)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)unused;
	for (int index = 0; index < object->dlpi_phnum; index++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[index];

		/* Never written, so the file still has it. */
		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		uintptr_t start = (object->dlpi_addr + segment->p_vaddr + page - 1) & ~(page - 1);
		uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);

		if (end > start)
			madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

void clinux_release_idle_memory(void)
{
	dl_iterate_phdr(release, NULL);
	malloc_trim(0);
}
