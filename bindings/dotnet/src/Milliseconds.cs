using System;
using System.Threading;

namespace SellercloudOutput
{
    /// <summary>Converts between <see cref="TimeSpan"/> and the milliseconds of the C interface.</summary>
    internal static class Milliseconds
    {
        /// <summary>
        /// Converts a time to whole milliseconds, rounded up, so that a limit is never shorter than requested.
        /// <see cref="Timeout.InfiniteTimeSpan"/> and <see cref="TimeSpan.MaxValue"/> become "no limit".
        /// </summary>
        public static ulong FromTimeSpan(TimeSpan time, string name)
        {
            if (time == Timeout.InfiniteTimeSpan || time == TimeSpan.MaxValue)
            {
                return ulong.MaxValue;
            }
            if (time < TimeSpan.Zero)
            {
                throw new ArgumentOutOfRangeException(
                    name, time, name + " must not be negative. Use Timeout.InfiniteTimeSpan for no limit.");
            }
            var whole = time.Ticks / TimeSpan.TicksPerMillisecond;
            return (ulong)(time.Ticks % TimeSpan.TicksPerMillisecond == 0 ? whole : whole + 1);
        }

        /// <summary>Converts milliseconds to a time, which is limited to what a TimeSpan can hold.</summary>
        public static TimeSpan ToTimeSpan(long milliseconds)
        {
            const long MaxMilliseconds = long.MaxValue / TimeSpan.TicksPerMillisecond;
            return TimeSpan.FromTicks(Math.Min(milliseconds, MaxMilliseconds) * TimeSpan.TicksPerMillisecond);
        }
    }
}
