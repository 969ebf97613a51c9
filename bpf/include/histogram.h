/* Log-linear histogram: eight buckets per power of two, as Sources/Model/LatencyHistogram.swift documents it. */
#pragma once
#include <bpf/bpf_helpers.h>
#include <linux/types.h>

#define HISTOGRAM_BUCKETS 264
/* Powers of two that a log2 histogram tells apart; the last slot takes the rest. */
#define LOG2_SLOTS 36

/* floor(log2(value)) in six steps: BPF has no instruction for it. 0 for 0. */
static __always_inline __u32 log2_floor(__u64 value)
{
	__u32 exponent = 0;

#pragma unroll
	for (__u32 step = 32; step; step >>= 1) {
		__u32 shift = (__u32)(value >> step != 0) * step;
		value >>= shift;
		exponent += shift;
	}
	return exponent;
}

/* The bucket of a value whose log2_floor is known. */
static __always_inline __u32 histogram_bucket(__u64 value, __u32 exponent)
{
	__u32 bucket;

	if (value < 8)
		return value;
	bucket = (exponent - 2) << 3 | ((value >> ((exponent - 3) & 63)) & 7);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static __always_inline void histogram_add(__u64 *buckets, __u64 value)
{
	buckets[histogram_bucket(value, log2_floor(value))]++;
}

/* The same for counts that CPUs share, in as many buckets as there are; the last one takes the rest. */
static __always_inline void histogram_add_shared(__u64 *buckets, __u32 count, __u64 value)
{
	__u32 bucket = histogram_bucket(value, log2_floor(value));

	__sync_fetch_and_add(&buckets[bucket < count ? bucket : count - 1], 1);
}
