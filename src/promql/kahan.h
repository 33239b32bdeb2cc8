/*
 * kahan.h: sums that keep what rounding loses (Neumaier's form), to the letter of Prometheus: the
 * answers must agree to the last digit. Compiled without contraction to fused operations.
 */
#pragma once

#include <math.h>
#include <stdbool.h>

struct kahan {
	double sum, lost;
};

static inline void kahan_add(struct kahan *kahan, double value)
{
	double sum = kahan->sum + value;
	if (isinf(sum))
		kahan->lost = 0;
	else if (fabs(kahan->sum) >= fabs(value))
		kahan->lost += (kahan->sum - sum) + value;
	else
		kahan->lost += (value - sum) + kahan->sum;
	kahan->sum = sum;
}

static inline double kahan_value(const struct kahan *kahan)
{
	return isinf(kahan->sum) ? kahan->sum : kahan->sum + kahan->lost;
}

/* A mean: sum by count, until the sum overflows; from there on as a moving mean. */
struct kahan_mean {
	struct kahan kahan; /* of the values, or of the mean itself */
	double count;
	bool moving;
};

static inline void kahan_mean_add(struct kahan_mean *mean, double value)
{
	mean->count++;
	if (!mean->moving) {
		struct kahan next = mean->kahan;
		kahan_add(&next, value);
		if (mean->count == 1 || !isinf(next.sum)) {
			mean->kahan = next;
			return;
		}
		mean->moving = true;
		mean->kahan.sum /= mean->count - 1;
		mean->kahan.lost /= mean->count - 1;
	}
	double share = (mean->count - 1) / mean->count;
	mean->kahan.sum *= share;
	mean->kahan.lost *= share;
	kahan_add(&mean->kahan, value / mean->count);
}

static inline double kahan_mean_value(const struct kahan_mean *mean)
{
	if (mean->moving)
		return mean->kahan.sum + mean->kahan.lost;
	return mean->kahan.sum / mean->count + mean->kahan.lost / mean->count;
}
