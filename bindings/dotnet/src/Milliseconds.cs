using System;

namespace SellercloudOutput
{
    /// <summary>Times as the C interface has them.</summary>
    internal static class Milliseconds
    {
        public static ulong Of(TimeSpan time, string name)
        {
            if (time < TimeSpan.Zero)
            {
                throw new ArgumentOutOfRangeException(name, time,
                    name + " must not be negative; TimeSpan.MaxValue is no limit.");
            }
            return (ulong)(time.Ticks / TimeSpan.TicksPerMillisecond);
        }

        /// <summary>The longest that a TimeSpan can be, for more than that.</summary>
        public static TimeSpan ToTimeSpan(long milliseconds)
        {
            const long Longest = long.MaxValue / TimeSpan.TicksPerMillisecond;
            return TimeSpan.FromTicks(Math.Min(milliseconds, Longest) * TimeSpan.TicksPerMillisecond);
        }
    }
}
