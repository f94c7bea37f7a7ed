using System;
using System.Threading;

namespace SellercloudOutput
{
    /// <summary>Times as the C interface has them.</summary>
    internal static class Milliseconds
    {
        /// <summary>Not shorter than what was meant.</summary>
        public static ulong Of(TimeSpan time, string name)
        {
            if (time == Timeout.InfiniteTimeSpan || time == TimeSpan.MaxValue)
            {
                return ulong.MaxValue;
            }
            if (time < TimeSpan.Zero)
            {
                throw new ArgumentOutOfRangeException(name, time,
                    name + " must not be negative; Timeout.InfiniteTimeSpan means no limit.");
            }
            var whole = time.Ticks / TimeSpan.TicksPerMillisecond;
            return (ulong)(time.Ticks % TimeSpan.TicksPerMillisecond == 0 ? whole : whole + 1);
        }

        /// <summary>The longest that a TimeSpan can be, for more than that.</summary>
        public static TimeSpan ToTimeSpan(long milliseconds)
        {
            const long Longest = long.MaxValue / TimeSpan.TicksPerMillisecond;
            return TimeSpan.FromTicks(Math.Min(milliseconds, Longest) * TimeSpan.TicksPerMillisecond);
        }
    }
}
