//! Process: numbers that the kernel keeps for us.

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, Opts};

/// `file_descriptors`, counted when somebody asks.
///
/// # Errors
///
/// Fails never in practice: the name is a constant.
pub(super) fn file_descriptors() -> prometheus::Result<FileDescriptors> {
    let help = "Number of file descriptors that the router holds";
    Ok(FileDescriptors {
        gauge: Gauge::with_opts(Opts::new("file_descriptors", help))?,
    })
}

/// Counts the entries of `/proc/self/fd` at each scrape.
// compat: gorouter counts every 5 s; asking at the scrape is never older than that.
#[derive(Debug)]
pub(super) struct FileDescriptors {
    gauge: Gauge,
}

impl Collector for FileDescriptors {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        // The directory's own descriptor is one of them.
        self.gauge
            .set(u32::try_from(open.saturating_sub(1)).map_or(f64::INFINITY, f64::from));
        self.gauge.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(collector: &FileDescriptors) -> f64 {
        collector.collect()[0].get_metric()[0]
            .get_gauge()
            .get_value()
    }

    #[test]
    fn open_files_are_counted() {
        let collector = file_descriptors().unwrap();
        let files: Vec<_> = (0..64)
            .map(|_| std::fs::File::open("/dev/null").unwrap())
            .collect();
        assert!(count(&collector) >= 64.0);
        drop(files);
    }
}
