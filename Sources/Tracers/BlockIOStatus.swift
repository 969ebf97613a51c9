import Glibc

/// How a block request ended, as an errno.
enum BlockIOStatus {
    /// `blk_status_t` in the order of `include/linux/blk_types.h` since 6.10; what it has no name for is `EIO`, as in the
    /// kernel.
    private static let statuses: [Int32] = [
        0, EOPNOTSUPP, ETIMEDOUT, ENOSPC, ENOLINK, EREMOTEIO, EBADE, ENODATA, EILSEQ, ENOMEM, EIO, EREMCHG, EAGAIN,
        EBUSY, ETOOMANYREFS, EOVERFLOW, ENODEV, ETIME, EIO, EINVAL,
    ]

    /// The errno of a completion; 8a7d267b4a2c (5.16) made it a `blk_status_t`, before it was a negative errno.
    static func errno(_ completion: Int32) -> Int32 {
        if completion < 0 { return completion == .min ? EIO : -completion }
        return completion < statuses.count ? statuses[Int(completion)] : EIO
    }
}
